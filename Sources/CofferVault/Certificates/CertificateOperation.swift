import CofferCore

/// The making of a certificate that was asked for last. Stored in the collection `certificate-operations` under ``ObjectRecord/path(_:in:)``.
struct CertificateOperation: Codable, Equatable, Sendable {
    static let collection = "certificate-operations"

    enum Status: String, Codable, Sendable {
        case inProgress
        case completed
        case cancelled
    }

    let name: String
    /// The version that the certificate has or will have.
    let version: String
    let issuer: CertificatePolicy.Issuer?
    /// PKCS #10 in DER, as base 64 for URLs.
    let request: String
    var status: Status
    /// The pending key, sealed in the realm of the vault under ``sealName``, as base 64 for URLs; nil once it is in use or given up.
    var sealedKey: String?
    /// The same of a pending key in the token: the version that it will be.
    var tokenKey: KeyVersionRecord?
    /// Whether ``tokenKey`` names the key of the current version, which outlives this operation.
    var isKeyReused: Bool?
    /// Whether certificates keep the order in which they come; nil for no.
    var preservesOrder: Bool?
    /// What the certificate is given when it comes.
    let isEnabled: Bool
    let tags: [String: String]
    let requestID: String

    /// The same operation over, with its key in use or given up.
    func ended(_ status: Status) -> CertificateOperation {
        var operation = self
        operation.status = status
        operation.sealedKey = nil
        operation.tokenKey = nil
        return operation
    }

    var sealName: String { "certificates/\(name.lowercased())/\(version)/pending" }
}

/// A ``CertificateOperation`` as the data plane shows it.
struct CertificateOperationView: Encodable, Sendable {
    let id: String
    let issuer: CertificatePolicy.Issuer?
    /// Base 64.
    let csr: String
    let cancellation_requested: Bool
    let status: String
    let status_details: String?
    let target: String?
    let request_id: String

    /// - Parameter isStarting: The answer to who asked for the certificate never says that it is there: clients that read so never look.
    init(_ operation: CertificateOperation, host: String, isStarting: Bool = false) {
        id = "https://\(host)/certificates/\(operation.name)/pending"
        issuer = operation.issuer
        csr = StandardBase64.encode(Base64URL.decode(operation.request) ?? [])
        cancellation_requested = operation.status == .cancelled
        let shown = isStarting ? .inProgress : operation.status
        status = shown.rawValue
        switch shown {
        case .completed:
            status_details = nil
            target = "https://\(host)/certificates/\(operation.name)"
        case .inProgress:
            status_details = "Pending certificate created. Certificate request is in progress: have the csr signed, then merge the certificate."
            target = nil
        case .cancelled:
            status_details = "The request was cancelled."
            target = nil
        }
        request_id = operation.requestID
    }
}
