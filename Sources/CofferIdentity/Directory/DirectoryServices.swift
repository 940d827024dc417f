package import CofferCore
package import CofferPlatform

/// Everything that the directory can do.
package struct DirectoryServices: Sendable {
    let users: UserService
    let groups: GroupService
    let applications: ApplicationService
    let principals: PrincipalService

    package init(store: any Store, clock: any WallClock, bell: EventBell, settings: IdentitySettings) {
        users = UserService(store: store, clock: clock, bell: bell)
        groups = GroupService(store: store, clock: clock, bell: bell)
        applications = ApplicationService(store: store, clock: clock, bell: bell, settings: settings)
        principals = PrincipalService(store: store, clock: clock, bell: bell, settings: settings)
    }
}
