package import CofferPlatform

package typealias Accelerator = MachineAcceleration.Kind

extension Accelerator {
    /// Of QEMU.
    var words: [String] {
        switch self {
        case .kvm: ["-accel", "kvm", "-cpu", "host"]
        case .tcg: ["-accel", "tcg", "-cpu", "max"]
        }
    }
}
