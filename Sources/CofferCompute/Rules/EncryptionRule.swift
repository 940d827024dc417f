import CofferModel

/// One rule about what may be combined with what, as data: when it holds and how a refusal reads.
struct EncryptionRule: Sendable {
    /// Names the rule in every refusal, such as `key-size`.
    let id: String
    let ruleSets: [RuleSet]
    /// The HTTP status of a refusal.
    let status: Int
    let code: String
    /// The property that a refusal points at.
    let target: String?
    /// What is required and what to do, with `{name}` where a fact goes.
    let sentence: String

    init(
        _ id: String, in ruleSets: [RuleSet] = RuleSet.allCases, status: Int = 400, code: String = "InvalidParameter",
        target: String? = nil, _ sentence: String
    ) {
        self.id = id
        self.ruleSets = ruleSets
        self.status = status
        self.code = code
        self.target = target
        self.sentence = sentence
    }
}

/// The rules that hold in this installation.
struct RuleBook: Sendable {
    let ruleSet: RuleSet

    /// Refuses unless `isKept`, if the rule is one of this rule set.
    ///
    /// - Throws: ``APIError`` with the rule's code, naming the rule.
    func require(_ rule: EncryptionRule, _ isKept: Bool, _ facts: [String: String] = [:]) throws(APIError) {
        guard !isKept, rule.ruleSets.contains(ruleSet) else { return }
        throw refusal(rule, facts)
    }

    /// The refusal of a rule that is known to be broken.
    func refusal(_ rule: EncryptionRule, _ facts: [String: String] = [:]) -> APIError {
        var sentence = rule.sentence
        for (name, value) in facts { sentence = sentence.replacing("{\(name)}", with: value.prefix(500)) }
        return APIError(
            status: rule.status, code: rule.code,
            message: "\(sentence) (Rule \(rule.id) of the rule set \(ruleSet.rawValue).)", target: rule.target)
    }
}
