import CofferCore
package import CofferModel
package import CofferPlatform

/// An event as it is stored: short names, absent members left out, the resource left to the chain (docs/formats/audit-log.md).
///
/// When you add a member: give it a new name, write it in ``AuditRecordWriter``, and keep it optional, for older records
/// do not have it.
package struct AuditRecord: Codable, Equatable, Sendable {
    /// The longest text that is kept of one member, in bytes of UTF-8; clients choose some of them.
    package static let longestText = 2048

    /// Milliseconds since 1970.
    let t: Int64
    let op: String
    let ver: String?
    let st: Int
    let desc: String?
    /// Duration in milliseconds.
    let ms: Int64
    let ip: String
    let oid: String?
    let app: String?
    let upn: String?
    let cor: String
    let id: String?
    let cli: String?
    let uri: String?
    let tls: String?
    let rbac: Bool?
    let pol: Bool?
    let kty: String?
    let bits: Int?
    let crv: String?
    let alg: String?

    package init(_ event: AuditEvent) {
        t = event.time.milliseconds
        op = event.operation.kept
        ver = event.operationVersion?.kept
        st = event.status
        desc = event.resultDescription?.kept
        ms = event.durationMilliseconds
        ip = event.callerAddress.kept
        oid = event.callerObjectID?.kept
        app = event.callerApplicationID?.kept
        upn = event.callerPrincipalName?.kept
        cor = event.correlationID.kept
        id = event.object?.kept
        cli = event.clientInfo?.kept
        uri = event.requestURI?.kept
        tls = event.tlsVersion?.kept
        (rbac, pol) =
            switch event.access {
            case .roleAssignment(let isAuthorized): (isAuthorized, nil)
            case .accessPolicy(let isMatch): (nil, isMatch)
            case nil: (nil, nil)
            }
        kty = event.key?.type.kept
        bits = event.key?.size
        crv = event.key?.curve?.kept
        alg = event.algorithm?.kept
    }

    /// The event, which was recorded in the chain of `resource`.
    package func event(on resource: ResourceID) -> AuditEvent {
        let access: AuditAccess? =
            if let rbac { .roleAssignment(isAuthorized: rbac) } else if let pol { .accessPolicy(isMatch: pol) } else { nil }
        return AuditEvent(
            time: Timestamp(milliseconds: t), resource: resource, operation: op, operationVersion: ver, status: st,
            resultDescription: desc, durationMilliseconds: ms, callerAddress: ip, callerObjectID: oid,
            callerApplicationID: app, callerPrincipalName: upn, correlationID: cor, object: id, clientInfo: cli, requestURI: uri, tlsVersion: tls, access: access,
            key: kty.map { AuditKey(type: $0, size: bits, curve: crv) }, algorithm: alg)
    }
}

extension String {
    /// The text, or as much of it as is kept.
    fileprivate var kept: String {
        guard utf8.count > AuditRecord.longestText else { return self }
        // What is cut in the middle of a character becomes U+FFFD.
        return String(decoding: utf8.prefix(AuditRecord.longestText - 6), as: UTF8.self) + "…"
    }
}
