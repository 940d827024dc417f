import CofferModel

/// The `api-version` of a request: a date, perhaps with `-preview`. Versions compare by their date.
///
/// A resource type names the oldest version that it accepts; every newer one is accepted, so that clients may be newer than
/// Coffer.
enum APIVersion {
    /// - Throws: ``APIError`` if the version is missing, no date, or older than `floor`.
    static func check(_ version: String?, floor: String, type: String) throws {
        guard let version, !version.isEmpty else {
            throw APIError(
                status: 400, code: "MissingApiVersionParameter",
                message: "The api-version query parameter (?api-version=) is required for all requests."
            )
        }
        guard isDate(version) else {
            throw APIError(
                status: 400, code: "InvalidApiVersionParameter",
                message: "The api-version '\(version.prefix(40))' is invalid. It is a date such as '2024-11-01', with '-preview' after it for "
                    + "a preview."
            )
        }
        guard version.prefix(10) >= floor.prefix(10) else {
            throw APIError(
                status: 400, code: "NoRegisteredProviderFound",
                message: "The api-version '\(version)' of type '\(type)' is not supported. Coffer supports '\(floor)' and every later version."
            )
        }
    }

    private static func isDate(_ version: String) -> Bool {
        let date = version.prefix(10)
        guard date.count == 10, ["", "-preview", "-alpha", "-beta", "-privatepreview"].contains(version.dropFirst(10)) else { return false }
        let parts = date.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.map(\.count) == [4, 2, 2], let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2])
        else { return false }
        return (2012...9999).contains(year) && (1...12).contains(month) && (1...31).contains(day)
    }
}
