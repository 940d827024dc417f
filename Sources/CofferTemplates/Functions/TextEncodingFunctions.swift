import CofferModel
import FoundationEssentials

/// Text in other clothes: base 64, data URIs, percent-encoding, JSON.
enum TextEncodingFunctions {
    static let all: [String: TemplateFunction] = [
        "base64": .of(1) { .string(Data(try $0.string(0).utf8).base64EncodedString()) },
        "base64ToString": .of(1) { .string(try decoded($0)) },
        "base64ToJson": .of(1) { try TemplateReader.read(Array(try decoded($0).utf8)) },
        "json": .of(1) { arguments in
            do {
                return try TemplateReader.read(Array(try arguments.string(0).utf8))
            } catch let failure as TemplateFailure {
                throw arguments.failure("its argument is no JSON: \(failure.message)")
            }
        },
        "dataUri": .of(1) { .string("data:text/plain;charset=utf8;base64," + Data(try $0.string(0).utf8).base64EncodedString()) },
        "dataUriToString": .of(1) { arguments in
            let uri = try arguments.string(0)
            guard uri.lowercased().hasPrefix("data:"), let comma = uri.firstIndex(of: ",") else { throw arguments.failure("its argument is no data URI") }
            let data = String(uri[uri.index(after: comma)...])
            guard uri[..<comma].lowercased().hasSuffix(";base64") else {
                guard let text = unescaped(data) else { throw arguments.failure("its argument is no data URI") }
                return .string(text)
            }
            return .string(try decoded(FunctionArguments(name: arguments.name, values: [.string(data)])))
        },
        "uriComponent": .of(1) { .string(escaped(try $0.string(0))) },
        "uriComponentToString": .of(1) { arguments in
            guard let text = unescaped(try arguments.string(0)) else { throw arguments.failure("an escape in its argument is broken") }
            return .string(text)
        },
        "uri": .of(2) { .string(combined(try $0.string(0), try $0.string(1))) },
    ]

    private static func decoded(_ arguments: FunctionArguments) throws -> String {
        guard let data = Data(base64Encoded: try arguments.string(0)), let text = String(validating: data, as: UTF8.self) else {
            throw arguments.failure("its argument is not the base 64 of a text")
        }
        return text
    }

    /// RFC 3986 section 2: all but the unreserved characters.
    private static func escaped(_ text: String) -> String {
        var result = ""
        for byte in text.utf8 {
            let scalar = Unicode.Scalar(byte)
            if byte < 0x80, scalar.properties.isAlphabetic || scalar.properties.numericType != nil || "-_.~".utf8.contains(byte) {
                result.unicodeScalars.append(scalar)
            } else {
                let digits = String(byte, radix: 16, uppercase: true)
                result += "%" + (digits.count == 1 ? "0" : "") + digits
            }
        }
        return result
    }

    private static func unescaped(_ text: String) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else { return nil }
            bytes.append(value)
            rest = rest.dropFirst(2)
        }
        return String(validating: bytes, as: UTF8.self)
    }

    /// A relative reference beside a base (RFC 3986 section 5.2, without its dot segments).
    private static func combined(_ base: String, _ relative: String) -> String {
        guard let colon = base.firstIndex(of: ":"), base[colon...].hasPrefix("://") else { return base + relative }
        let pathStart = base[base.index(colon, offsetBy: 3)...].firstIndex(of: "/")
        if relative.contains("://") { return relative }
        if relative.hasPrefix("/") { return String(base[..<(pathStart ?? base.endIndex)]) + relative }
        guard let pathStart, let slash = base[pathStart...].lastIndex(of: "/") else { return base + "/" + relative }
        return base[...slash] + relative
    }
}
