/// The ports of a rule: `22`, `8000-8100`, or `*`.
struct PortRange: Equatable, Sendable {
    let ports: ClosedRange<UInt16>

    /// - Returns: nil for anything else.
    init?(_ text: String) {
        if text == "*" {
            ports = 0...UInt16.max
            return
        }
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { DecimalNumber.read($0).flatMap { UInt16(exactly: $0) } }
        guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], first <= last else { return nil }
        ports = first...last
    }
}
