import CofferModel

/// Finds the resources of a plan that a text means: an id, a symbolic name, a loop, or a name.
struct ResourceIndex: Sendable {
    private var byID: [ResourceID: Int] = [:]
    /// Symbolic names, with and without the turn of their loop.
    private var bySymbol: [String: [Int]] = [:]
    private var byLoop: [String: [Int]] = [:]
    /// Names alone, and with their types in both spellings: `Microsoft.X/a/1/b/2` and `Microsoft.X/a/b/1/2`.
    private var byName: [String: [Int]] = [:]

    /// - Throws: ``TemplateFailure`` if two resources that are deployed have one id.
    init(_ resources: [PlannedResource]) throws {
        for (index, resource) in resources.enumerated() where resource.isWanted && !resource.isExisting {
            guard byID.updateValue(index, forKey: resource.id) == nil else {
                throw TemplateFailure("The resource '\(resource.id.typeAndName)' is defined multiple times in the template")
            }
        }
        for (index, resource) in resources.enumerated() {
            if byID[resource.id] == nil { byID[resource.id] = index }
            if let symbol = resource.symbol?.lowercased() {
                bySymbol[symbol, default: []].append(index)
                if let turn = resource.turn { bySymbol["\(symbol)[\(turn.index)]", default: []].append(index) }
            }
            if let loop = resource.turn?.name.lowercased() { byLoop[loop, default: []].append(index) }
            let names = resource.id.segments.map(\.name).joined(separator: "/").lowercased()
            for spelling in Set([names, resource.id.typeAndName.lowercased(), "\(resource.type)/\(names)".lowercased()]) {
                byName[spelling, default: []].append(index)
            }
        }
    }

    /// In order of their positions; empty if there is none.
    func matches(_ target: String) -> [Int] {
        if target.hasPrefix("/"), let id = ResourceID(target) { return byID[id].map { [$0] } ?? [] }
        let key = target.lowercased()
        return bySymbol[key] ?? byLoop[key] ?? byName[key] ?? []
    }

    /// All turns of a symbolic name.
    func resources(ofSymbol symbol: String) -> [Int] { bySymbol[symbol.lowercased()] ?? [] }
}
