/// What a certificate says of its holder: the part that a request asks for and a self-signed certificate states.
package struct CertificateProfile: Sendable {
    package let subject: DistinguishedName
    package let names: [SubjectName]
    package let usage: KeyUsage
    /// Object identifiers with dots, such as `1.3.6.1.5.5.7.3.1` (RFC 5280 section 4.2.1.12).
    package let purposes: [String]

    package init(subject: DistinguishedName, names: [SubjectName], usage: KeyUsage, purposes: [String]) {
        self.subject = subject
        self.names = names
        self.usage = usage
        self.purposes = purposes
    }

    /// Whether `text` is an object identifier with dots that a certificate can carry.
    package static func isObjectIdentifier(_ text: String) -> Bool {
        let arcs = text.split(separator: ".", omittingEmptySubsequences: false)
        guard (2...32).contains(arcs.count), text.utf8.count <= 100 else { return false }
        let isNumeric = arcs.allSatisfy { arc in
            (1...18).contains(arc.utf8.count) && arc.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
                && (arc.utf8.count == 1 || arc.utf8.first != UInt8(ascii: "0"))
        }
        guard isNumeric, let first = Int(arcs[0]), let second = Int(arcs[1]) else { return false }
        return first < 2 && second < 40 || first == 2 && second < 1_000_000
    }
}
