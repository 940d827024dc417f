/// Which rules about encryption hold: `coffer serve --rules`.
package enum RuleSet: String, Codable, Sendable, CaseIterable {
    /// Azure as the requirements of 2021 describe it, the stricter one.
    case year2021 = "2021"
    /// Azure of today.
    case current
}
