import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform

/// The installation's own certification authority, kept in the store with its key sealed, and the certificates that it
/// issues to the servers. A server's key lives in memory only: each start has a new one.
struct TLSIdentity {
    let store: any Store
    let sealer: any Sealer
    let clock: any WallClock

    private static let collection = "tls"
    private static let id = "authority"
    private static let realm = "tls"

    private struct Record: Codable {
        let certificate: String
        let sealedKey: [UInt8]
    }

    /// The authority, made if there is none yet; of several replicas the first one's holds.
    func authority() async throws -> CertificateAuthority {
        while true {
            if let record = try await store.read({ try $0.value(Record.self, Self.id, in: Self.collection)?.value }) {
                let key = try await sealer.open(record.sealedKey, realm: Self.realm, name: Self.id)
                return try CertificateAuthority(pem: record.certificate, privateKey: key)
            }
            let authority = try CertificateAuthority.create(commonName: "Coffer local authority", now: clock.now())
            let record = Record(
                certificate: authority.certificate.pem,
                sealedKey: try await sealer.seal(authority.privateKey, realm: Self.realm, name: Self.id)
            )
            do {
                try await store.write { try $0.put(record, Self.id, in: Self.collection, if: .absent) }
            } catch StoreError.preconditionFailed {
                continue
            }
        }
    }

    /// A certificate for the names under which `coffer serve` is reached.
    func serverCertificate(by authority: borrowing CertificateAuthority, vaultDomain: String) throws -> IssuedCertificate {
        try certificate(for: ["*.localhost", vaultDomain, "*." + vaultDomain], by: authority)
    }

    /// A certificate for a server that is reached under this machine's own names, and under `names`.
    func certificate(for names: [String], by authority: borrowing CertificateAuthority) throws -> IssuedCertificate {
        let names = ["localhost"] + names + ["127.0.0.1", "::1"]
        return try authority.issue(for: names.compactMap { SubjectName($0) }, now: clock.now())
    }
}
