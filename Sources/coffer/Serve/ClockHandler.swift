import CofferCore
import CofferModel
import CofferPlatform

/// `POST /coffer/clock` with `{"advanceSeconds": N}`: moves the installation's clock forward. Served only with
/// `--test-clock`, to who may write the subscription.
struct ClockHandler: APIHandler {
    let clock: AdjustableClock
    let authenticator: any Authenticator
    let authorizer: any Authorizer
    let audiences: [String]
    let subscription: ResourceID

    private struct Body: Decodable {
        let advanceSeconds: Int64
    }

    func handle(_ request: APIRequest) async throws -> APIResponse {
        do {
            let caller = try await authenticator.caller(of: request, audiences: audiences)
            _ = try await authorizer.grant(.management("Microsoft.Resources/subscriptions/write"), to: caller, on: subscription)
        } catch is TokenRefusal {
            throw APIError(status: 401, code: "AuthenticationFailed", message: "Moving the clock needs a bearer token.")
        } catch is Forbidden {
            throw APIError(status: 403, code: "AuthorizationFailed", message: "Moving the clock needs Contributor on the subscription.")
        }
        if request.method == .post {
            let body = try request.decode(Body.self)
            guard (0...3_153_600_000).contains(body.advanceSeconds) else {
                throw APIError.invalidParameter("The clock moves forward only, by at most 100 years.", target: "advanceSeconds")
            }
            clock.advance(by: .seconds(body.advanceSeconds))
        }
        return try .json(["now": .string(clock.now().description)] as JSONValue)
    }
}
