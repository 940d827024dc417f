package import CofferModel
package import CofferPlatform

/// Allows everyone everything.
package struct AllowEverything: Authorizer {
    package init() {}

    package func allows(_ caller: Caller, _ action: Action, on scope: ResourceID) async throws -> Bool { true }
}

/// Allows nobody anything.
package struct DenyEverything: Authorizer {
    package init() {}

    package func allows(_ caller: Caller, _ action: Action, on scope: ResourceID) async throws -> Bool { false }
}
