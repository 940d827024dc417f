import FoundationEssentials

/// Base 64 with the standard alphabet and padding (RFC 4648 section 4), which certificates are sent in.
enum StandardBase64 {
    static func encode(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

    /// Line ends are passed over.
    static func decode(_ text: String) -> [UInt8]? {
        Data(base64Encoded: text, options: .ignoreUnknownCharacters).map { Array($0) }
    }
}
