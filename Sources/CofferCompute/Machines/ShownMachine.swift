/// A machine as it is to be shown.
struct ShownMachine: Sendable {
    let record: MachineRecord
    /// In the order of the record's disks; nil for one that is gone.
    let disks: [DiskRecord?]
    let isRunning: Bool
}
