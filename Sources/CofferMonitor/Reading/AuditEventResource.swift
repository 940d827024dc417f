import CofferCore
import CofferModel
package import CofferPlatform

/// An event in the form in which Azure gives it to a storage account or an event hub (contract section 5.1).
package struct AuditEventResource: Encodable, Sendable {
    struct Identity: Encodable, Sendable {
        struct Claim: Encodable, Sendable {
            let objectID: String?
            let principalName: String?
            let appid: String?

            private enum CodingKeys: String, CodingKey {
                case objectID = "http://schemas.microsoft.com/identity/claims/objectidentifier"
                case principalName = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn"
                case appid
            }
        }

        let claim: Claim
    }

    struct Properties: Encodable, Sendable {
        struct Key: Encodable, Sendable {
            let type: String
            let size: Int?
            let curve: String?
        }

        let id: String?
        let clientInfo: String?
        let requestUri: String?
        let httpStatusCode: Int
        let tlsVersion: String?
        let isRbacAuthorized: Bool?
        let isAccessPolicyMatch: Bool?
        let algorithm: String?
        let keyProperties: Key?
    }

    let time: String
    let resourceId: String
    let operationName: String
    let operationVersion: String?
    let category = "AuditEvent"
    let resultType: String
    let resultSignature: String
    let resultDescription: String?
    /// Azure's samples have a text here.
    let durationMs: String
    let callerIpAddress: String
    let correlationId: String
    let identity: Identity
    let properties: Properties

    package init(_ event: AuditEvent) {
        time = event.time.description
        resourceId = event.resource.text.uppercased()
        operationName = event.operation
        operationVersion = event.operationVersion
        resultType = event.status < 400 ? "Success" : "Failure"
        resultSignature = Self.signature(event.status)
        resultDescription = event.resultDescription
        durationMs = String(event.durationMilliseconds)
        callerIpAddress = event.callerAddress
        correlationId = event.correlationID
        identity = Identity(claim: .init(
                objectID: event.callerObjectID, principalName: event.callerPrincipalName, appid: event.callerApplicationID))
        var (isAuthorized, isMatch): (Bool?, Bool?) = (nil, nil)
        switch event.access {
        case .roleAssignment(let answer): isAuthorized = answer
        case .accessPolicy(let answer): isMatch = answer
        case nil: break
        }
        properties = Properties(
            id: event.object, clientInfo: event.clientInfo, requestUri: event.requestURI, httpStatusCode: event.status, tlsVersion: event.tlsVersion,
            isRbacAuthorized: isAuthorized, isAccessPolicyMatch: isMatch, algorithm: event.algorithm,
            keyProperties: event.key.map { .init(type: $0.type, size: $0.size, curve: $0.curve) })
    }

    /// The reason phrase of a status (RFC 9110 section 15, RFC 6585).
    static func signature(_ status: Int) -> String {
        switch status {
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 204: "No Content"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 409: "Conflict"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 429: "Too Many Requests"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 503: "Service Unavailable"
        default: "HTTP \(status)"
        }
    }
}
