import CofferCore
import CofferModel

/// A key's rotation policy as the data plane shows it.
struct RotationPolicyView: Encodable, Sendable {
    let id: String
    let lifetimeActions: [LifetimeAction]
    let attributes: Attributes

    struct LifetimeAction: Encodable, Sendable {
        let trigger: Trigger
        let action: Action
    }

    struct Trigger: Encodable, Sendable {
        var timeAfterCreate: String?
        var timeBeforeExpiry: String?
    }

    struct Action: Encodable, Sendable {
        let type: String
    }

    struct Attributes: Encodable, Sendable {
        let expiryTime: String?
        /// Seconds since 1970.
        let created: Int64?
        let updated: Int64?
    }

    /// - Parameter policy: Nil for a key that has none of its own, for which notice of expiry is given and nothing else done.
    init(_ policy: RotationPolicy?, of name: ObjectName, host: String) {
        id = "https://\(host)/keys/\(name.text)/rotationpolicy"
        let rotate: Trigger? =
            switch policy?.rotate {
            case .afterCreate(let duration)?: Trigger(timeAfterCreate: duration.text)
            case .beforeExpiry(let duration)?: Trigger(timeBeforeExpiry: duration.text)
            case nil: nil
            }
        let notice = policy == nil ? RotationPolicy.standardNotice : policy?.notify
        lifetimeActions =
            (rotate.map { [LifetimeAction(trigger: $0, action: Action(type: "Rotate"))] } ?? [])
            + (notice.map { [LifetimeAction(trigger: Trigger(timeBeforeExpiry: $0.text), action: Action(type: "Notify"))] } ?? [])
        attributes = Attributes(
            expiryTime: policy?.expiryTime?.text, created: policy?.created.seconds, updated: policy?.updated.seconds)
    }
}
