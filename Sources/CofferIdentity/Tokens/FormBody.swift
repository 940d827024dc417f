import CofferCore

/// A body of `application/x-www-form-urlencoded` (URL standard, section 5.1). Values stay bytes, so that a secret among
/// them need not become a `String`.
struct FormBody: Sendable {
    enum Refusal: Error, Equatable, Sendable {
        case tooLong
        case malformed
        /// RFC 6749 section 3.2: parameters must not be included more than once.
        case repeated(String)
    }

    /// The longest body that is looked at, in bytes.
    static let maximumByteCount = 64 * 1024
    private static let maximumFieldCount = 64

    private let fields: [String: [UInt8]]

    init(_ body: [UInt8]) throws(Refusal) {
        guard body.count <= Self.maximumByteCount else { throw .tooLong }
        var fields: [String: [UInt8]] = [:]
        for pair in body.split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = Self.decode(parts[0]), let value = Self.decode(parts.count > 1 ? parts[1] : []),
                let name = String(validating: name, as: UTF8.self), fields.count < Self.maximumFieldCount
            else { throw .malformed }
            guard fields.updateValue(value, forKey: name) == nil else { throw .repeated(name) }
        }
        self.fields = fields
    }

    /// A field that is there and not empty.
    func text(_ name: String) -> String? {
        guard let value = fields[name], !value.isEmpty else { return nil }
        return String(validating: value, as: UTF8.self)
    }

    /// A field that is there and not empty, as a secret.
    func secret(_ name: String) -> SecretBytes? {
        guard var value = fields[name], !value.isEmpty else { return nil }
        return SecretBytes(wiping: &value)
    }

    private static func decode(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        var rest = text
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst(), let low = rest.popFirst(),
                    let decoded = Hex.decode(String(decoding: [high, low], as: UTF8.self))
                else { return nil }
                bytes.append(contentsOf: decoded)
            default: bytes.append(byte)
            }
        }
        return bytes
    }
}
