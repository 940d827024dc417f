/// The ends of the chains that were lengthened here lately, so that a block can be added without a look at the store. Of those that
/// were not lengthened for long the store is asked again.
struct AuditEnds: Sendable {
    /// As many again may be remembered from before.
    private let mostRecent: Int
    private var recent: [String: AuditEnd] = [:]
    private var older: [String: AuditEnd] = [:]

    init(mostRecent: Int = 4096) {
        self.mostRecent = mostRecent
    }

    /// The end of the chain of the resource with this key, if it is known. Another process may have lengthened it since.
    subscript(key: String) -> AuditEnd? { recent[key] ?? older[key] }

    /// - Parameter end: Of a block that is in the store.
    mutating func note(_ end: AuditEnd) {
        let known = self[end.chain.key]
        var end = end
        // What was signed meanwhile stays signed.
        end.signed = max(end.signed, known?.signed ?? 0)
        if recent.count >= mostRecent, recent[end.chain.key] == nil {
            older = recent
            recent = [:]
        }
        recent[end.chain.key] = end
    }

    /// The chain's records up to `count` are signed.
    mutating func noteSigned(_ key: String, count: Int64) {
        guard var end = self[key], end.signed < count else { return }
        end.signed = count
        note(end)
    }
}
