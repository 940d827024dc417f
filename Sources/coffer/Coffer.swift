import ArgumentParser
// Linked for its malloc: requests, commits and key operations are on threads of their own, and what one takes another gives back
// (docs/design/0030-cost-of-a-request.md).
import CMimalloc

@main
struct Coffer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "coffer",
        abstract: "Azure VM encryption on your own machines: key vault, disk encryption sets, encrypted disks.",
        discussion: """
            Start with `coffer demo`, which shows the whole of it, or with `coffer serve --data DIR` and, in another shell,
            `eval "$(coffer env --data DIR)"; coffer login --data DIR`. From there on it is `az`.
            """,
        version: "0.1.0",
        subcommands: [
            ServeCommand.self, EnvCommand.self, LoginCommand.self, DiskCommands.self, EncryptionSetCommands.self, KeyCommands.self,
            UnmanagedDiskCommands.self, AuditLogCommands.self, ImageCommands.self, HostCommands.self, DemoCommand.self, GuestRelayCommand.self,
        ]
    )
}
