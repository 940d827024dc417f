/// What a role may be given to, as role assignments name it.
enum PrincipalType: String, Codable, Sendable {
    case user = "User"
    case group = "Group"
    case servicePrincipal = "ServicePrincipal"
}
