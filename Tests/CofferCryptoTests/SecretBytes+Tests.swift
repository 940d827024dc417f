import CofferCore

extension SecretBytes {
    /// A secret that a test knows.
    init(_ bytes: [UInt8]) {
        var bytes = bytes
        self.init(wiping: &bytes)
    }

    /// What tests may look at and nothing else does.
    var revealed: [UInt8] {
        withBytes { span in unsafe span.withUnsafeBytes { unsafe Array($0) } }
    }
}

/// The bytes of hexadecimal text that a test holds; spaces and line ends are ignored.
func hex(_ text: String) -> [UInt8] {
    Hex.decode(text.filter { !$0.isWhitespace }) ?? []
}
