import CofferModel
import FoundationEssentials

/// A .NET composite format string, as `format` takes it: `{0}`, `{1,8}`, `{2:D4}`, `{{`.
struct CompositeFormat {
    private let format: [Character]

    init(_ format: String) { self.format = Array(format) }

    func text(_ values: [JSONValue], _ arguments: FunctionArguments) throws -> String {
        var text = ""
        var index = 0
        while index < format.count {
            let character = format[index]
            index += 1
            guard character == "{" || character == "}" else {
                text.append(character)
                continue
            }
            if index < format.count, format[index] == character {
                text.append(character)
                index += 1
                continue
            }
            try arguments.checkFits(text.utf8.count)
            guard character == "{", let end = format[index...].firstIndex(of: "}") else { throw arguments.failure("its format has a brace alone") }
            text += try item(String(format[index..<end]), values, arguments)
            index = end + 1
        }
        return text
    }

    /// `index[,alignment][:format]`
    private func item(_ item: String, _ values: [JSONValue], _ arguments: FunctionArguments) throws -> String {
        let halves = item.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        let parts = (halves.first ?? "").split(separator: ",", omittingEmptySubsequences: false).map { $0.filter { !$0.isWhitespace } }
        guard let first = parts.first, let position = Int(first), values.indices.contains(position), parts.count <= 2 else {
            throw arguments.failure("its format names an argument that is not there")
        }
        var text = try Self.text(values[position], halves.count == 2 ? String(halves[1]) : "", arguments)
        if parts.count == 2 {
            guard let width = Int(parts[1]), (-1000...1000).contains(width) else { throw arguments.failure("its format has a width that is no number") }
            let pad = String(repeating: " ", count: max(0, abs(width) - text.count))
            text = width < 0 ? text + pad : pad + text
        }
        return text
    }

    private static func text(_ value: JSONValue, _ specifier: String, _ arguments: FunctionArguments) throws -> String {
        guard let kind = specifier.first else { return try StringFunctions.text(of: value, arguments) }
        let digits = Int(specifier.dropFirst())
        guard specifier.count == 1 || digits.map({ (0...100).contains($0) }) == true else {
            throw arguments.failure("the format '\(specifier.prefix(20))' is not supported: D, X, F and N with a number of digits are")
        }
        switch (kind, value) {
        case ("D", .int(let number)), ("d", .int(let number)):
            let text = String(number.magnitude)
            return (number < 0 ? "-" : "") + String(repeating: "0", count: max(0, (digits ?? 0) - text.count)) + text
        case ("X", .int(let number)), ("x", .int(let number)):
            let text = String(UInt64(bitPattern: number), radix: 16, uppercase: kind == "X")
            return String(repeating: "0", count: max(0, (digits ?? 0) - text.count)) + text
        case ("F", _), ("f", _), ("N", _), ("n", _):
            guard let number = value.number, number.magnitude < 1e15 else { break }
            return fixed(number, digits: min(digits ?? 2, 15), isGrouped: "Nn".contains(kind))
        default: break
        }
        throw arguments.failure("the format '\(specifier.prefix(20))' is not supported of \(value.typeName)")
    }

    /// A number with so many digits after the point, and a comma between each three before it.
    private static func fixed(_ number: Double, digits: Int, isGrouped: Bool) -> String {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        let scaled = (number.magnitude * scale).rounded()
        let whole = String(UInt64(exactly: (scaled / scale).rounded(.down)) ?? 0)
        let rest = String(UInt64(exactly: scaled.truncatingRemainder(dividingBy: scale)) ?? 0)
        var grouped = ""
        for (index, digit) in whole.enumerated() {
            if isGrouped, index > 0, (whole.count - index) % 3 == 0 { grouped.append(",") }
            grouped.append(digit)
        }
        let fraction = digits == 0 ? "" : "." + String(repeating: "0", count: max(0, digits - rest.count)) + rest
        return (number < 0 ? "-" : "") + grouped + fraction
    }
}
