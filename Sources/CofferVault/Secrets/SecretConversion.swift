import CofferCore
import CofferCrypto
import CofferModel

/// The form in which a certificate's secret is asked for with `outContentType`, since 2025-07-01. A PFX can be had as PEM; nothing else is
/// converted.
enum SecretConversion {
    /// The form that `secret` is to be converted to, or nil where it is wanted as it is.
    ///
    /// - Throws: ``APIError/badParameter(_:)`` for a form that there is not, or that this secret cannot have.
    static func target(_ wanted: String?, of secret: SecretVersionRecord, _ version: VaultAPIVersion) throws -> String? {
        guard version.hasSecretConversion, let wanted, !wanted.isEmpty else { return nil }
        guard let form = [CertificatePolicy.pfx, CertificatePolicy.pem].spelling(of: wanted) else {
            throw APIError.badParameter("outContentType must be \(CertificatePolicy.pfx) or \(CertificatePolicy.pem).")
        }
        guard form != secret.contentType else { return nil }
        guard secret.isManaged, secret.contentType == CertificatePolicy.pfx, form == CertificatePolicy.pem else {
            throw APIError.badParameter(
                "Only the secret of a certificate of type \(CertificatePolicy.pfx) is converted, and to \(CertificatePolicy.pem). Leave "
                    + "outContentType out.")
        }
        return form
    }

    /// A certificate's PFX, as its secret has it, as PEM.
    static func pem(_ value: SymmetricKey, in material: KeyMaterial) async throws -> SymmetricKey {
        try await material.apart {
            var file = value.bytes.withBytes { bytes in
                StandardBase64.decode(unsafe bytes.withUnsafeBytes { unsafe String(decoding: $0, as: UTF8.self) }) ?? []
            }
            return SymmetricKey(try CertificateExport.pem(ofPFX: SecretBytes(wiping: &file)))
        }
    }
}
