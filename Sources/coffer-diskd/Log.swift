import CofferCore
import Glibc

/// The process's log: one JSON object a line on standard error. It is given names, paths and reasons, never keys or data.
struct Log: Sendable {
    /// Writes one line; a log that nobody reads is no error.
    func write(_ event: String, _ fields: [(String, String)] = []) {
        var line = "{\"time\":\"\(SystemClock().now().description)\",\"program\":\"coffer-diskd\",\"event\":\(Self.quote(event))"
        for (name, value) in fields { line += ",\(Self.quote(name)):\(Self.quote(value))" }
        line += "}\n"
        let bytes = Array(line.utf8)
        _ = unsafe bytes.withUnsafeBytes { unsafe Glibc.write(2, $0.baseAddress, $0.count) }
    }

    private static func quote(_ text: String) -> String {
        var quoted = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": quoted += "\\\""
            case "\\": quoted += "\\\\"
            case "\n": quoted += "\\n"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: quoted.unicodeScalars.append(scalar)
            }
        }
        return quoted + "\""
    }
}
