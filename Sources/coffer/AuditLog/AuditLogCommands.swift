import ArgumentParser

struct AuditLogCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit-log",
        abstract: "Show what was done with vaults and disks, and check that nobody changed the record of it.",
        subcommands: [VerifyAuditLogCommand.self, ShowAuditLogCommand.self]
    )
}
