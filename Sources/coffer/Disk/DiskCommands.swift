import ArgumentParser

struct DiskCommands: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "disk",
        abstract: "Attach encrypted disks to QEMU, and look at them and their snapshots.",
        subcommands: [
            AttachCommand.self, DetachCommand.self, ListDisksCommand.self, ReportCommand.self, InspectDiskCommand.self, DiskStatsCommand.self, ExportKeyCommand.self, CertificateCommand.self,
            SnapshotChangesCommand.self, ReencryptCommand.self,
        ]
    )
}
