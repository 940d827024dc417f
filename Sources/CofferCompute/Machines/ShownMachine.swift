import CofferPlatform

/// A machine as it is to be shown.
struct ShownMachine: Sendable {
    let record: MachineRecord
    /// In the order of the record's disks; nil for one that is gone.
    let disks: [DiskRecord?]
    /// Nil if it does not run.
    let acceleration: MachineAcceleration?

    var isRunning: Bool { acceleration != nil }
}
