import CofferCore
import CofferCrypto
import CofferModel
import CofferPlatform

/// One interface of a machine as a device of this host: a tap in the namespace of its virtual network.
struct TapCard: Hashable {
    /// `coffer-INSTALLATION-NETWORK`, both digests.
    let network: NetworkNamespace
    /// Of 13 characters, as Linux takes 15 at most.
    let device: String
    /// The guest's.
    let address: String

    /// What the names of this installation's namespaces begin with.
    ///
    /// - Parameter root: The directory of all machines' directories.
    static func prefix(_ root: String) -> String { "coffer-\(digest(root, length: 8))-" }

    /// - Parameter index: The interface's place among the machine's.
    init(_ interface: NetworkInterfacePlan, _ index: Int, of machine: MachineID, root: String) {
        network = NetworkNamespace(Self.prefix(root) + Self.digest(interface.virtualNetwork.key, length: 16))
        device = "t" + Self.digest("\(machine.text) \(index)", length: 12)
        address = interface.privateAddress
    }

    /// - Parameter line: As ``line`` gives it.
    /// - Returns: nil for anything else.
    init?(line: Substring) {
        let words = line.split(separator: " " as Character).map { String($0) }
        guard words.count == 3 else { return nil }
        (network, device, address) = (NetworkNamespace(words[0]), words[1], words[2])
    }

    /// What is kept of it in a file.
    var line: String { "\(network.name) \(device) \(address)" }

    private static func digest(_ text: String, length: Int) -> String {
        String(Hex.encode(DigestAlgorithm.sha256.hash(Array(text.utf8))).prefix(length))
    }
}
