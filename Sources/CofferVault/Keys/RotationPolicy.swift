import CofferCore
import CofferModel

/// When new versions of a key are made by themselves, and when their expiry is announced (contract section 1.6). Stored in the collection
/// `key-rotation-policies` under ``ObjectRecord/path(_:in:)``.
struct RotationPolicy: Codable, Equatable, Sendable {
    static let collection = "key-rotation-policies"

    /// A moment of a version's life.
    enum Trigger: Codable, Equatable, Sendable {
        case afterCreate(CalendarDuration)
        case beforeExpiry(CalendarDuration)
    }

    var rotate: Trigger?
    /// Counts back from the expiry alone.
    var notify: CalendarDuration?
    /// How long a version made by rotation lives.
    var expiryTime: CalendarDuration?
    let created: Timestamp
    var updated: Timestamp
    /// The version whose expiry was announced last.
    var notifiedVersion: String?

    /// When the version is to be replaced; nil if never.
    func rotationTime(of version: KeyVersionRecord) -> Timestamp? {
        switch rotate {
        case .afterCreate(let duration)?: version.created.adding(duration)
        case .beforeExpiry(let duration)?: version.expires?.subtracting(duration)
        case nil: nil
        }
    }

    /// When the version's expiry is to be announced; nil if never, or if it was.
    func noticeTime(of version: KeyVersionRecord) -> Timestamp? {
        guard let notify, notifiedVersion != version.version else { return nil }
        return version.expires?.subtracting(notify)
    }

    /// When there is something to do next for the current version. A disabled version is left alone: a new one would be enabled, and
    /// undo what the disabling is for.
    func nextTime(for version: KeyVersionRecord) -> Timestamp? {
        guard version.isEnabled else { return nil }
        return [rotationTime(of: version), noticeTime(of: version)].compactMap { $0 }.min()
    }
}

/// The body of `PUT /keys/{name}/rotationpolicy`, as sent.
struct RotationPolicyBody: Decodable, Sendable {
    let lifetimeActions: [LifetimeAction]?
    let attributes: Attributes?

    struct LifetimeAction: Decodable, Sendable {
        let trigger: Trigger?
        let action: Action?
    }

    struct Trigger: Decodable, Sendable {
        let timeAfterCreate: String?
        let timeBeforeExpiry: String?
    }

    struct Action: Decodable, Sendable {
        let type: String?
    }

    struct Attributes: Decodable, Sendable {
        let expiryTime: String?
    }
}

extension RotationPolicy {
    /// Rotation and expiry leave at least this many days.
    private static let leastDays: Int64 = 7
    /// A version made by rotation lives at least this many days.
    private static let leastLife: Int64 = 28

    /// - Throws: ``APIError/badParameter(_:)`` that names what does not fit.
    init(_ body: RotationPolicyBody, created: Timestamp, updated: Timestamp) throws {
        self.created = created
        self.updated = updated
        expiryTime = try body.attributes?.expiryTime.map { try Self.duration($0, "attributes.expiryTime") }
        if let expiryTime, expiryTime.shortestDays < Self.leastLife {
            throw APIError.badParameter("attributes.expiryTime must be at least 28 days, such as P90D.")
        }
        for action in body.lifetimeActions ?? [] { try add(action) }
        if case .afterCreate(let duration)? = rotate, let expiryTime, duration.shortestDays + Self.leastDays > expiryTime.shortestDays {
            throw APIError.badParameter("A Rotate action's timeAfterCreate must be at least 7 days less than attributes.expiryTime.")
        }
        if notify == nil, expiryTime != nil { notify = Self.standardNotice }
    }

    /// Keys without a policy of their own have this one.
    static let standardNotice = CalendarDuration("P30D")

    private mutating func add(_ action: RotationPolicyBody.LifetimeAction) throws {
        let trigger = action.trigger
        switch (action.action?.type?.lowercased(), trigger?.timeAfterCreate, trigger?.timeBeforeExpiry) {
        case ("rotate", let after?, nil):
            guard rotate == nil else { throw Self.onlyOne }
            rotate = .afterCreate(try Self.longDuration(after, "timeAfterCreate"))
        case ("rotate", nil, let before?):
            guard rotate == nil else { throw Self.onlyOne }
            rotate = .beforeExpiry(try beforeExpiry(before))
        case ("notify", nil, let before?):
            guard notify == nil else { throw Self.onlyOne }
            notify = try beforeExpiry(before)
        case ("notify", _?, nil):
            throw APIError.badParameter("A Notify action is triggered by timeBeforeExpiry, not by timeAfterCreate.")
        case ("rotate", _, _), ("notify", _, _):
            throw APIError.badParameter("A lifetime action's trigger has either timeAfterCreate or timeBeforeExpiry, such as P90D.")
        default: throw APIError.badParameter("A lifetime action's action.type must be Rotate or Notify.")
        }
    }

    private static let onlyOne = APIError.badParameter("A rotation policy has at most one Rotate and one Notify action.")

    private func beforeExpiry(_ text: String) throws -> CalendarDuration {
        guard let expiryTime else {
            throw APIError.badParameter("A trigger of timeBeforeExpiry needs attributes.expiryTime, such as P2Y.")
        }
        let duration = try Self.longDuration(text, "timeBeforeExpiry")
        guard duration.shortestDays + Self.leastDays <= expiryTime.shortestDays else {
            throw APIError.badParameter("timeBeforeExpiry must be at least 7 days less than attributes.expiryTime.")
        }
        return duration
    }

    private static func longDuration(_ text: String, _ name: String) throws -> CalendarDuration {
        let duration = try duration(text, "trigger.\(name)")
        guard duration.shortestDays >= leastDays else { throw APIError.badParameter("trigger.\(name) must be at least 7 days: P7D.") }
        return duration
    }

    private static func duration(_ text: String, _ name: String) throws -> CalendarDuration {
        guard let duration = CalendarDuration(text) else {
            throw APIError.badParameter(
                "\(name) is '\(text.shortened)', which is not a duration of years, months and days such as P90D, P18M or P2Y.")
        }
        return duration
    }
}
