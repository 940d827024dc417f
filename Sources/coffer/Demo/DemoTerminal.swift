import Glibc

/// What the demo prints: headings, the commands it runs, and the evidence they give.
enum DemoTerminal {
    private static let isStyled = unsafe isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR") == nil

    static func heading(_ text: String) { line("\n\(styled(text, "1"))") }

    /// A command, quoted so that a shell would take it back.
    ///
    /// - Parameter suffix: What a shell would need after it, such as ` &`.
    static func command(_ words: [String], suffix: String = "") {
        line(styled("$ " + words.map(quoted).joined(separator: " ") + suffix, "36"))
    }

    static func evidence(_ label: String, _ value: String) {
        let gap = String(repeating: " ", count: max(1, 26 - label.count))
        line("  \(label)\(gap)\(value)")
    }

    static func line(_ text: String) {
        print(text)
        _ = fflush(nil)
    }

    static func problem(_ sentence: String) { line(styled("coffer demo: \(sentence)", "31")) }

    /// `text` for a POSIX shell.
    static func quoted(_ text: String) -> String {
        let plain = text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            default: "-_./:=,@%+".utf8.contains(byte)
            }
        }
        return plain && !text.isEmpty ? text : "'" + text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: #"'\''"#) + "'"
    }

    private static func styled(_ text: String, _ code: String) -> String {
        isStyled ? "\u{1B}[\(code)m\(text)\u{1B}[0m" : text
    }
}
