import CofferCore
import CofferModel
import CofferPlatform

/// A certificate for disks over TLS as it is remembered, under its fingerprint: what is needed to take it back.
struct DiskCertificateRecord: Codable, Equatable, Sendable {
    static let collection = "diskCertificates"

    /// The SHA-256 of its DER, in hex in lower case.
    let fingerprint: String
    /// What it opens: a disk's id, or `host/NAME`. Nil for one that another authority issued.
    let name: String?
    /// The disk, as it was called then.
    let disk: ResourceID?
    let issued: Timestamp
    /// Nil for one that another authority issued.
    let expires: Timestamp?
    /// When it was taken back.
    var revoked: Timestamp?

    /// - Returns: nil unless `text` is a SHA-256 in hex, with or without colons.
    static func fingerprint(_ text: String) -> String? {
        guard let bytes = Hex.decode(text.replacing(":", with: "")), bytes.count == 32 else { return nil }
        return Hex.encode(bytes)
    }
}

extension ReadTransaction {
    /// All that may still be good, and those that were taken back.
    func diskCertificates(at now: Timestamp) throws -> [DiskCertificateRecord] {
        try values(DiskCertificateRecord.self, in: DiskCertificateRecord.collection).filter { $0.expires.map { $0 >= now } ?? true }
    }
}
