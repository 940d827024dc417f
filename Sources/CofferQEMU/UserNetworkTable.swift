import CofferPlatform

/// What a machine's user-mode networks carry: what QEMU answers to `info usernet`.
struct UserNetworkTable {
    struct Line: Equatable {
        /// Such as `net0`.
        let network: String
        /// `HOST_FORWARD` of a port that is listened at, or the state of a connection.
        let state: String
        /// Of a forwarded port or connection: where the host listens.
        let host: HostEndpoint
        let guest: HostEndpoint
    }

    let lines: [Line]

    /// - Parameter text: Lines of other shapes, and connections of other protocols, are passed over.
    init(_ text: String) {
        var network = ""
        var found: [Line] = []
        for line in text.split(whereSeparator: \.isNewline) {
            if let open = line.firstIndex(of: "("), line.hasPrefix("Hub "), let close = line[open...].firstIndex(of: ")") {
                network = String(line[line.index(after: open)..<close])
                continue
            }
            let words = line.split(whereSeparator: \.isWhitespace)
            guard words.count >= 6, let first = words.first, first.hasPrefix("TCP["), first.hasSuffix("]"), let source = UInt16(words[3]),
                let destination = UInt16(words[5])
            else { continue }
            found.append(Line(
                network: network, state: String(first.dropFirst(4).dropLast()), host: HostEndpoint(address: String(words[2]), port: source),
                guest: HostEndpoint(address: String(words[4]), port: destination)))
        }
        lines = found
    }

    /// The states of a connection before the guest has taken it.
    static let opening: Set<String> = ["NONE", "CLOSED", "LISTEN", "SYN_SENT", "SYN_RCVD", "HOST_FORWARD"]
}
