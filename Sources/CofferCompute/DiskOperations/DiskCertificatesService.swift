import CofferCore
import CofferModel
import CofferPlatform

/// Issues certificates for disks over TLS, and takes them back.
struct DiskCertificatesService: Sendable {
    let store: any Store
    let serving: DiskServing
    /// nil where disks are not served over TLS.
    let certificates: (any DiskCertificates)?
    let clock: any WallClock

    /// A certificate to open one disk with over TLS, while it is attached.
    func issue(for id: ResourceID, by grant: Grant) async throws -> DiskCertificate {
        try await issue(try await serving.usable(id).disk.text, disk: id)
    }

    /// A certificate for a host of virtual machines, which opens their disks.
    ///
    /// - Parameter host: The host's name.
    func issue(forHost host: String, by grant: Grant) async throws -> DiskCertificate {
        let isName = host.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): true
            default: byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
            }
        }
        guard isName, (1...59).contains(host.utf8.count) else { throw APIError.hostNameNotValid(host) }
        return try await issue("host/\(host)", disk: nil)
    }

    /// Certificates that are good or were taken back, the newest first; what has ended is left out.
    func list(by grant: Grant) async throws -> [DiskCertificateRecord] {
        let now = clock.now()
        return try await store.read { try $0.diskCertificates(at: now) }.sorted { ($1.issued, $0.fingerprint) < ($0.issued, $1.fingerprint) }
    }

    /// Takes a certificate back, whoever issued it: from now on it opens nothing, and what it has open is ended. Repeating it is no error.
    ///
    /// - Parameter fingerprint: The SHA-256 of its DER, in hex.
    /// - Throws: ``APIError`` if the disk host cannot be told; then it is told when it is there again.
    func revoke(_ fingerprint: String, by grant: Grant) async throws -> DiskCertificateRecord {
        guard let certificates, certificates.address != nil else { throw APIError.disksNotServedSecurely }
        let now = clock.now()
        let record = try await store.write { transaction in
            let known = try transaction.value(DiskCertificateRecord.self, fingerprint, in: DiskCertificateRecord.collection)?.value
            var record = known ?? DiskCertificateRecord(fingerprint: fingerprint, name: nil, disk: nil, issued: now, expires: nil)
            record.revoked = record.revoked ?? now
            try transaction.put(record, fingerprint, in: DiskCertificateRecord.collection)
            return record
        }
        do {
            try await certificates.refuse(revoked())
        } catch is DiskFailure {
            throw APIError.revocationPending
        }
        return record
    }

    /// The fingerprints of those that were taken back.
    func revoked() async throws -> [String] {
        let now = clock.now()
        return try await store.read { try $0.diskCertificates(at: now) }.filter { $0.revoked != nil }.map(\.fingerprint).sorted()
    }

    /// Remembered before it is handed out. What has ended is forgotten.
    private func issue(_ name: String, disk: ResourceID?) async throws -> DiskCertificate {
        guard let certificates, let certificate = try await certificates.issue(for: name) else { throw APIError.certificatesNotIssued }
        let now = clock.now()
        let record = DiskCertificateRecord(
            fingerprint: certificate.fingerprint, name: name, disk: disk, issued: now, expires: certificate.expires)
        try await store.write { transaction in
            for old in try transaction.values(DiskCertificateRecord.self, in: DiskCertificateRecord.collection) {
                guard let expires = old.expires, expires < now else { continue }
                try transaction.remove(old.fingerprint, in: DiskCertificateRecord.collection, if: .any)
            }
            try transaction.put(record, record.fingerprint, in: DiskCertificateRecord.collection)
        }
        return certificate
    }
}

extension APIError {
    fileprivate static func hostNameNotValid(_ name: String) -> APIError {
        invalidParameter("'\(name.prefix(100))' is not the name of a host: letters, digits, points and hyphens, 59 at most.", target: "host")
    }

    fileprivate static let disksNotServedSecurely = APIError(
        status: 409, code: "OperationNotAllowed",
        message: "This installation serves no disks over TLS, so that no certificate opens any. Start coffer serve with --disk-listen ADDRESS:PORT.")

    fileprivate static let revocationPending = APIError(
        status: 503, code: "ServiceUnavailable",
        message: "The certificate is revoked, and the disk host cannot be told just now: it is told as soon as it is there, before it serves anything. "
            + "Repeat the command to be sure.")
}
