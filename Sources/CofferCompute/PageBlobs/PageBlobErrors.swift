import CofferModel
import CofferPlatform

// Refusals in the words of Azure's blob service, whose clients act on the codes.
extension APIError {
    /// 403: for every request without a secret that opens what it names, whether or not that is there.
    static let blobAuthenticationFailed = APIError(
        status: 403, code: "AuthenticationFailed",
        message: "Server failed to authenticate the request. The shared access signature is wrong, has expired or was revoked: grant access again.")

    static let blobPermissionMismatch = APIError(
        status: 403, code: "AuthorizationPermissionMismatch",
        message: "This request is not authorized to perform this operation using this permission. The access is for reading.")

    static let blobTypeNotValid = APIError(
        status: 409, code: "InvalidBlobType", message: "The blob type is invalid for this operation. A disk is a page blob.")

    static func blobLengthFixed(_ byteCount: UInt64) -> APIError {
        APIError(
            status: 400, code: "InvalidHeaderValue",
            message: "The value for x-ms-blob-content-length must be \(byteCount): the size of the disk is fixed, with 512 bytes of footer.")
    }

    static let blobAlreadyExists = APIError(
        status: 409, code: "BlobAlreadyExists", message: "The specified blob already exists. Overwrite it, or write its pages.")

    static let blobConditionNotMet = APIError(
        status: 412, code: "ConditionNotMet", message: "The condition specified using HTTP conditional header(s) is not met.")

    static func blobVerbNotServed(_ verb: String) -> APIError {
        APIError(status: 405, code: "UnsupportedHttpVerb", message: "The resource does not support the method \(verb).")
    }

    static let blobOperationNotServed = APIError(
        status: 400, code: "UnsupportedQueryParameter",
        message: "A disk is read, its page ranges are listed, and its pages are written or cleared (comp=pagelist, comp=page). There is nothing else.")

    static func blobHeaderMissing(_ name: String) -> APIError {
        APIError(status: 400, code: "MissingRequiredHeader", message: "The header \(name) is missing, or has a value that is not one of its.")
    }

    static func blobHeaderNotServed(_ name: String, _ advice: String) -> APIError {
        APIError(status: 400, code: "UnsupportedHeader", message: "The header \(name) is not supported for disks. \(advice)")
    }

    static let blobRangeNotValid = APIError(
        status: 400, code: "InvalidHeaderValue", message: "The range must be like bytes=0-511 or bytes=512-.")

    static func blobRangeOutside(_ byteCount: UInt64) -> APIError {
        APIError(
            status: 416, code: "InvalidRange", message: "The range specified is invalid for the current size of the resource.",
            headers: ["content-range": "bytes */\(byteCount)"])
    }

    static let pageRangeNotValid = APIError(
        status: 416, code: "InvalidPageRange",
        message: "The page range specified is invalid: it must begin and end at multiples of 512 bytes, within the blob.")

    static let pageRangeTooLong = APIError(
        status: 413, code: "RequestBodyTooLarge", message: "The request body is too large: at most 4 MiB of pages are written at a time.")

    static let pageLengthNotValid = APIError(
        status: 400, code: "InvalidHeaderValue", message: "The body must have as many bytes as the range, and none where pages are cleared.")

    static func footerNotValid(_ objection: String) -> APIError {
        APIError(
            status: 400, code: "InvalidVhd",
            message: "What is uploaded is not the fixed VHD that the disk was made for: \(objection). 'qemu-img convert -O vpc -o "
                + "subformat=fixed,force_size' makes one.")
    }

    static let previousSnapshotNotValid = APIError(
        status: 400, code: "InvalidHeaderValue",
        message: "x-ms-previous-snapshot-url must be the URL with access for reading of an earlier snapshot of the same disk.")

    /// 503: clients try again.
    static let blobNotReady = APIError(
        status: 503, code: "ServerBusy", message: "The disk is not open just now. Try again in a moment.")

    static func blobHost(_ failure: DiskFailure) -> APIError {
        switch failure.code {
        case .noSpace: APIError(status: 507, code: "InsufficientStorage", message: "The disk's host has no space left.")
        case .busy, .system: APIError(status: 503, code: "ServerBusy", message: "The disk cannot be read or written just now: \(failure.message).")
        default: APIError(status: 500, code: "InternalError", message: "The disk cannot be read or written: \(failure.message).")
        }
    }
}

extension APIResponse {
    /// A refusal as the blob service writes it.
    static func blobRefusal(_ error: APIError) -> APIResponse {
        var headers = error.headers
        headers["x-ms-error-code"] = error.code
        headers["content-type"] = "application/xml"
        return APIResponse(
            status: error.status, headers: headers,
            body: XMLText.document("<Error><Code>\(XMLText.escaped(error.code))</Code><Message>\(XMLText.escaped(error.message))</Message></Error>"))
    }
}
