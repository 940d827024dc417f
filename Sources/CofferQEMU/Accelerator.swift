/// How a guest's processors are run.
package enum Accelerator: String, Sendable {
    /// By the processor itself.
    case kvm
    /// By translation: slow, and works everywhere.
    case tcg

    /// Of QEMU.
    var words: [String] {
        switch self {
        case .kvm: ["-accel", "kvm", "-cpu", "host"]
        case .tcg: ["-accel", "tcg", "-cpu", "max"]
        }
    }
}
