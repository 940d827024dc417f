import CofferModel

extension [String: JSONValue] {
    /// A property that is one of some words, read without regard to case and written as Azure spells it; nil if it is absent.
    ///
    /// - Throws: ``APIError`` for another word.
    mutating func word<Word: RawRepresentable & CaseIterable>(
        _ name: String, among words: Word.Type, of id: ResourceID
    ) throws -> Word? where Word.RawValue == String {
        guard let value = self[name], value != .null else { return nil }
        guard let found = words.allCases.first(where: { $0.rawValue.lowercased() == value.string?.lowercased() }) else {
            let allowed = words.allCases.map { "'\($0.rawValue)'" }.joined(separator: ", ")
            throw APIError.requestFormat("'\(value.string?.prefix(60) ?? "")' is no value of '\(name)', which is one of \(allowed)", of: id, target: name)
        }
        self[name] = .string(found.rawValue)
        return found
    }
}
