import CofferModel

extension APIError {
    /// 404: nothing is being made under this name.
    static func noPendingCertificate(_ name: String) -> APIError {
        APIError(
            status: 404, code: "PendingCertificateNotFound", message: "Pending certificate not found: \(name). Begin with: az keyvault "
                + "certificate create")
    }

    /// 409: the making of a certificate of this name has not ended.
    static func certificateIsPending(_ name: String) -> APIError {
        APIError(
            status: 409, code: "Conflict",
            message: "A certificate named \(name) is being made. Merge the certificate of its request, or give it up with: az keyvault "
                + "certificate pending delete")
    }

    /// 400: it is over already.
    static func certificateIsNotPending(_ name: String) -> APIError {
        badParameter("The making of the certificate \(name) has ended already.")
    }

    /// 409: a key or secret that is no certificate's has the name.
    static func nameIsTaken(by kind: ObjectKind, _ name: String) -> APIError {
        APIError(
            status: 409, code: "Conflict",
            message: "A \(kind.noun) named \(name) exists. A certificate keeps its key and its secret under its own name; choose another one.")
    }

    /// 400: there is nobody who signs.
    static func issuerCannotSign(_ name: String) -> APIError {
        badParameter(
            "The issuer '\(name.shortened)' cannot sign here: no certification authority is connected. Use Self for a self-signed "
                + "certificate, or Unknown, and have the request signed by your authority.")
    }

    static func issuerNotFound(_ name: String) -> APIError {
        APIError(
            status: 404, code: "CertificateIssuerNotFound",
            message: "Issuer not found: \(name.shortened). List them with: az keyvault certificate issuer list")
    }

    static let contactsNotFound = APIError(
        status: 404, code: "ContactsNotFound", message: "Contacts not found. Add one with: az keyvault certificate contact add")

    /// 400: what was to be imported cannot be read.
    static func badCertificate(_ reason: String) -> APIError { badParameter("The certificate cannot be imported: \(reason)") }
}
