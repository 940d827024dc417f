/// Reads what qemu-img prints as it goes on: `    (12.34/100%)` and a carriage return, again and again.
struct ProgressMeter {
    private var line: [UInt8] = []

    private static let longestLine = 64

    /// The last percentage that is complete in what has come so far, or nil if none came with `bytes`.
    mutating func read(_ bytes: [UInt8]) -> Double? {
        var last: Double?
        for byte in bytes {
            if byte == UInt8(ascii: "(") {
                line = []
            } else if byte == UInt8(ascii: "/") {
                if let percent = Double(String(decoding: line, as: UTF8.self)), (0...100).contains(percent) { last = percent }
                line = []
            } else if line.count < Self.longestLine {
                line.append(byte)
            }
        }
        return last
    }
}
