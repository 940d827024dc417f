import CofferModel

extension APIError {
    static func securityRulePriority(_ value: JSONValue) -> APIError {
        let text = value.int.map(String.init) ?? value.string.map { String($0.prefix(20)) } ?? ""
        return APIError(
            status: 400, code: "SecurityRuleInvalidPriority",
            message: "Security rule has invalid Priority. Value provided: \(text) Allowed range 100-4096.", target: "priority")
    }

    static func securityRulesConflict(_ name: String, _ other: String) -> APIError {
        APIError(
            status: 400, code: "SecurityRuleConflict",
            message: "Security rule \(name) conflicts with rule \(other). Rules cannot have the same Priority and Direction.")
    }

    static func securityRulePorts(_ text: String) -> APIError {
        APIError(
            status: 400, code: "SecurityRuleInvalidPortRange",
            message: "Security rule has invalid Port range. Value provided: \(text.prefix(40)). Value should be an integer OR integer range with '-' "
                + "delimiter. Valid range 0-65535.")
    }

    static func securityRuleAddress(_ text: String) -> APIError {
        APIError(
            status: 400, code: "SecurityRuleInvalidAddressPrefix",
            message: "Security rule has invalid Address prefix. Value provided: \(text.prefix(60)). It is an address, a prefix in CIDR notation, a "
                + "service tag or '*'.")
    }
}
