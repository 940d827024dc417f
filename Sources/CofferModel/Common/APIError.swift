/// A refusal that the caller may read: what is wrong, in one stable code and one sentence that says what to do.
///
/// Made only by documented static functions beside the service that refuses, so that tests compare `status` and `code`.
package struct APIError: Error, Equatable, Sendable {
    /// The HTTP status.
    package let status: Int
    /// A stable code such as `ResourceNotFound`.
    package let code: String
    /// A sentence for people. Holds no secrets.
    package let message: String
    /// The property or resource that is wrong.
    package let target: String?
    /// A finer code, Key Vault's `innererror`.
    package let innerCode: String?
    /// Headers that belong to the refusal, such as `WWW-Authenticate`.
    package let headers: [String: String]

    package init(
        status: Int, code: String, message: String, target: String? = nil, innerCode: String? = nil,
        headers: [String: String] = [:]
    ) {
        self.status = status
        self.code = code
        self.message = message
        self.target = target
        self.innerCode = innerCode
        self.headers = headers
    }

    /// The body as Azure Resource Manager and Key Vault write it: `{"error":{"code":…,"message":…}}`.
    package var envelope: JSONValue {
        var error: [String: JSONValue] = ["code": .string(code), "message": .string(message)]
        if let target { error["target"] = .string(target) }
        if let innerCode { error["innererror"] = ["code": .string(innerCode)] }
        return ["error": .object(error)]
    }
}

extension APIError {
    /// 400 for a body or parameter that makes no sense. `target` names the property.
    package static func invalidParameter(_ message: String, target: String? = nil) -> APIError {
        APIError(status: 400, code: "InvalidParameter", message: message, target: target)
    }

    /// 400 for a body that is not the JSON that the operation takes.
    package static func invalidRequestContent(_ reason: String) -> APIError {
        APIError(
            status: 400, code: "InvalidRequestContent",
            message: "The request content was invalid and could not be deserialized: \(reason)"
        )
    }

    /// 404 for an Azure Resource Manager resource.
    package static func resourceNotFound(_ id: ResourceID) -> APIError {
        APIError(
            status: 404, code: "ResourceNotFound",
            message: "The resource '\(id.typeAndName)' under resource group '\(id.group ?? "")' was not found."
        )
    }

    /// 405 for a verb that a resource does not have.
    package static func methodNotAllowed(_ method: String, _ path: String) -> APIError {
        APIError(status: 405, code: "MethodNotAllowed", message: "The method \(method) is not supported on \(path).")
    }
}
