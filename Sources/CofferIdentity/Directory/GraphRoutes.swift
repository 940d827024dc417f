package import CofferCore
import CofferModel
package import CofferPlatform

/// The part of Microsoft Graph that `az ad` and `az role assignment` need: users, groups, applications and service principals.
///
/// Everyone who can sign in may read it. Whoever may write it can join any group and take any secret, so that takes the action
/// `Microsoft.Authorization/directoryObjects/write` at the subscription, which Owner and User Access Administrator have and no role that may
/// give some roles only.
package struct GraphRoutes: APIHandler {
    private static let write = Action.management("Microsoft.Authorization/directoryObjects/write")

    private let authenticator: any Authenticator
    private let authorizer: any Authorizer
    private let settings: IdentitySettings
    private let users: UsersRoutes
    private let groups: GroupsRoutes
    private let applications: ApplicationsRoutes
    private let principals: ServicePrincipalsRoutes
    private let objects: DirectoryObjectsRoutes

    package init(
        services: DirectoryServices, authenticator: any Authenticator, authorizer: any Authorizer, settings: IdentitySettings,
        clock: any WallClock
    ) {
        self.authenticator = authenticator
        self.authorizer = authorizer
        self.settings = settings
        let answer = GraphAnswer(settings: settings)
        objects = DirectoryObjectsRoutes(service: services.principals, answer: answer)
        users = UsersRoutes(service: services.users, objects: objects, answer: answer)
        groups = GroupsRoutes(service: services.groups, objects: objects, answer: answer)
        applications = ApplicationsRoutes(
            service: services.applications, passwords: PasswordRoutes(keeper: services.applications, answer: answer, clock: clock),
            answer: answer)
        principals = ServicePrincipalsRoutes(
            service: services.principals, passwords: PasswordRoutes(keeper: services.principals, answer: answer, clock: clock),
            objects: objects, answer: answer)
    }

    /// Whether this is one of the directory's paths: all below `/v1.0/`.
    package func handles(_ path: [String]) -> Bool {
        path.first?.lowercased() == "v1.0"
    }

    package func handle(_ request: APIRequest) async throws -> APIResponse {
        let caller = try await authenticate(request)
        let call = GraphCall(request) { [authorizer, settings] in
            let subscription = ResourceID(subscription: settings.subscriptionID)
            do {
                return try await authorizer.grant(Self.write, to: caller, on: subscription)
            } catch is Forbidden {
                throw APIError.directoryWriteDenied(subscription)
            }
        }
        switch call.words.first {
        case "me":
            guard caller.userPrincipalName != nil else { throw APIError.delegatedFlowRequired() }
            return try await users.handle(call.onSelf(caller))
        case "users": return try await users.handle(call)
        case "groups": return try await groups.handle(call)
        case "applications": return try await applications.handle(call)
        case "serviceprincipals": return try await principals.handle(call)
        case "directoryobjects": return try await objects.handle(call)
        default: throw call.notFound
        }
    }

    private func authenticate(_ request: APIRequest) async throws -> Caller {
        let audiences = IdentitySettings.managementAudiences(authority: settings.authority) + ["https://graph.microsoft.com"]
        do {
            return try await authenticator.caller(of: request, audiences: audiences)
        } catch let refusal as TokenRefusal {
            switch refusal {
            case .missing: throw APIError.invalidAuthenticationToken("Access token is empty.")
            case .expired: throw APIError.invalidAuthenticationToken("Lifetime validation failed, the token is expired.")
            case .wrongAudience: throw APIError.invalidAuthenticationToken("Access token validation failure. Invalid audience.")
            case .malformed, .badSignature, .notYetValid, .wrongIssuer, .unknownPrincipal:
                throw APIError.invalidAuthenticationToken("Access token validation failure.")
            }
        }
    }
}
