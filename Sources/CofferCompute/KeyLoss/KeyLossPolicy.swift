import CofferCore
import CofferModel

/// What becomes of the attached disks of a set that loses its key. Azure has no words for it, so it is in the set's tags, which every
/// client passes through.
struct KeyLossPolicy: Equatable, Sendable {
    enum Reaction: String, CaseIterable, Sendable {
        /// I/O fails until the key comes back.
        case stop
        /// I/O waits until the key comes back.
        case pause
        /// Disks that are open go on; what is closed stays closed.
        case keep
    }

    static let reactionTag = "coffer-key-loss"
    static let delayTag = "coffer-key-loss-delay"
    static let graceTag = "coffer-vault-outage-grace"

    private(set) var reaction = Reaction.stop
    /// How long disks go on after the loss.
    private(set) var delay = Duration.zero
    /// How long disks go on while the vault cannot tell; nil for as long as it takes.
    private(set) var outageGrace: Duration?

    /// What holds where nothing is said.
    init() {}

    /// - Throws: ``APIError`` for a value that is not understood, naming those that are.
    init(tags: [String: String]) throws(APIError) {
        for (name, value) in tags {
            switch name.lowercased() {
            case Self.reactionTag:
                guard let known = Reaction(rawValue: value.lowercased()) else {
                    throw APIError.keyLossTagNotValid(name, value, "one of \(Reaction.allCases.map(\.rawValue).joined(separator: ", "))")
                }
                reaction = known
            case Self.delayTag: delay = try Self.duration(value, of: name)
            case Self.graceTag: outageGrace = value.lowercased() == "unlimited" ? nil : try Self.duration(value, of: name)
            default: continue
            }
        }
    }

    private static func duration(_ text: String, of tag: String) throws(APIError) -> Duration {
        let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86400]
        guard let last = text.lowercased().last, let unit = units[last], let number = Int64(text.dropLast()), (0...36500).contains(number) else {
            throw APIError.keyLossTagNotValid(tag, text, "a number of at most 36500 with its unit, such as 90s, 30m, 2h or 7d")
        }
        return .seconds(number * unit)
    }
}

/// A loss that an attached disk was found to suffer.
struct KeyLoss: Codable, Equatable, Sendable {
    /// Whether the vault could not tell, rather than refused.
    let isOutage: Bool
    let since: Timestamp
    /// When I/O stops or begins to wait; nil if it does not.
    let due: Timestamp?

    /// - Parameter old: The loss that was known; its time counts on as long as it is of the same kind.
    init(isOutage: Bool, at now: Timestamp, old: KeyLoss?, policy: KeyLossPolicy) {
        self.isOutage = isOutage
        let since = old.flatMap { $0.isOutage == isOutage ? $0.since : nil } ?? now
        self.since = since
        due = switch (policy.reaction, isOutage) {
        case (.keep, _): nil
        case (_, false): since.adding(policy.delay)
        case (_, true): policy.outageGrace.map { since.adding($0) }
        }
    }

    /// What is said after the reason while the disk is still served.
    var outlook: String {
        due.map { "Its I/O stops at \($0) unless the key comes back." } ?? "It is kept in service, as the tags of its set say."
    }
}

extension APIError {
    /// 400: a tag that says what a set's disks do without their key is not understood.
    static func keyLossTagNotValid(_ name: String, _ value: String, _ wanted: String) -> APIError {
        invalidParameter("The tag '\(name)' has the value '\(value.prefix(100))', and takes \(wanted).", target: "tags")
    }
}
