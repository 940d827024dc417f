package import CofferCore
package import CofferPlatform

/// Everything that the directory can do.
package struct DirectoryServices: Sendable {
    let users: UserService
    let groups: GroupService
    let applications: ApplicationService
    let principals: PrincipalService

    package init(store: any Store, passwords: PasswordChecker, clock: any WallClock, bell: EventBell, settings: IdentitySettings) {
        users = UserService(store: store, passwords: passwords, clock: clock, bell: bell)
        groups = GroupService(store: store, clock: clock, bell: bell)
        applications = ApplicationService(store: store, clock: clock, bell: bell, settings: settings)
        principals = PrincipalService(store: store, clock: clock, bell: bell, settings: settings)
    }
}
