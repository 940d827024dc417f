import CofferCore

/// Records that were committed together, as one event of a chain's stream: for each a line `NUMBER HASH JSON`, the hash in
/// base64url.
package struct AuditBlock: Equatable, Sendable {
    package struct Line: Equatable, Sendable {
        /// From 1.
        package let number: Int64
        /// 32 bytes, as the block says.
        package let hash: [UInt8]
        /// The bytes that are hashed.
        package let json: [UInt8]
    }

    package let lines: [Line]

    /// - Returns: nil if it is not of this form. Whether the hashes are right is not looked at.
    package init?(_ body: [UInt8]) {
        var lines: [Line] = []
        var rest = body[...]
        while !rest.isEmpty {
            guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
            let parts = rest[..<end].split(separator: UInt8(ascii: " "), maxSplits: 2, omittingEmptySubsequences: false)
            guard parts.count == 3, let number = Int64(String(decoding: parts[0], as: UTF8.self)), (1..<Int64.max).contains(number),
                let hash = Base64URL.decode(String(decoding: parts[1], as: UTF8.self)), hash.count == 32
            else { return nil }
            lines.append(Line(number: number, hash: hash, json: Array(parts[2])))
            rest = rest[(end + 1)...]
        }
        guard !lines.isEmpty else { return nil }
        self.lines = lines
    }

    /// The body of a block of `records`, which `hasher` goes over.
    static func body(_ records: some Collection<[UInt8]>, _ hasher: inout AuditHasher) -> [UInt8] {
        var body: [UInt8] = []
        body.reserveCapacity(records.reduce(0) { $0 + $1.count + 64 })
        for record in records {
            hasher.add(record)
            body.append(contentsOf: String(hasher.count).utf8)
            body.append(UInt8(ascii: " "))
            Base64URL.append(hasher.hash, to: &body)
            body.append(UInt8(ascii: " "))
            body.append(contentsOf: record)
            body.append(UInt8(ascii: "\n"))
        }
        return body
    }
}
