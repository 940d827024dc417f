/// The body of `POST /certificates/{name}/create`, as sent.
struct CreateCertificateBody: Decodable, Sendable {
    let policy: CertificatePolicy?
    let attributes: AttributesBody?
    let tags: [String: String]?
    let preserveCertOrder: Bool?
}

/// The body of `POST /certificates/{name}/import`, as sent.
struct ImportCertificateBody: Decodable, Sendable {
    /// A PFX as base 64, or a PEM text.
    let value: String
    let pwd: String?
    let policy: CertificatePolicy?
    let attributes: AttributesBody?
    let tags: [String: String]?
    let preserveCertOrder: Bool?
}

/// The body of `POST /certificates/{name}/pending/merge`, as sent.
struct MergeCertificateBody: Decodable, Sendable {
    /// DER as base 64, the certificate of the pending key first.
    let x5c: [String]
    let attributes: AttributesBody?
    let tags: [String: String]?
}

/// The body of `PATCH /certificates/{name}/{version}`, as sent.
struct UpdateCertificateBody: Decodable, Sendable {
    let policy: CertificatePolicy?
    let attributes: AttributesBody?
    let tags: [String: String]?
}

/// The body of `PATCH /certificates/{name}/pending`, as sent.
struct UpdateOperationBody: Decodable, Sendable {
    let cancellation_requested: Bool
}
