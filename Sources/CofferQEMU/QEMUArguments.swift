import CofferModel
import CofferPlatform

/// The words that QEMU is started with.
package enum QEMUArguments {
    package static let program = "qemu-system-x86_64"
    /// Firmware of the second generation, from Debian's package `ovmf`; its variables are not kept.
    static let uefiImage = "/usr/share/ovmf/OVMF.fd"
    /// The size of the ring that the serial console is kept in, in bytes, a power of two.
    static let consoleByteCount = 1 << 20

    /// What an interface of a machine is joined to.
    enum Card {
        /// A network of QEMU's own, closed: the guest is reached through these ports alone, and reaches nothing.
        case user([PortForward])
        /// A tap, by the number of its file.
        case tap(Int32)
    }

    /// What is told apart from the machine's other cards by its address; each machine has a network of its own for it.
    static let metadataCardAddress = "52:54:a9:fe:a9:fe"

    /// - Parameters:
    ///   - relay: Carries a guest's connections to sockets of this host.
    ///   - cards: What each interface is joined to.
    static func words(_ plan: MachinePlan, accelerator: Accelerator, relay: GuestRelay, cards: [Card]) -> [String] {
        var words = [
            "setpriv", "--no-new-privs", "--", program, "-name", "guest=\(escape(plan.name))", "-uuid", plan.id.text, "-pidfile", MachineFiles.processFileName,
            "-nodefaults", "-no-user-config", "-display", "none",
            // The relays that QEMU starts make sessions of their own, which `elevateprivileges=deny` forbids; nothing that is started can
            // gain privileges all the same.
            "-sandbox", "on,obsolete=deny,resourcecontrol=deny",
        ]
        words += accelerator.words
        // Disks over vhost-user work in the guest's own memory.
        words += ["-machine", "pc,memory-backend=memory", "-m", "\(plan.memoryMebibytes)", "-smp", "\(plan.processors)"]
        words += ["-object", "memory-backend-memfd,id=memory,size=\(plan.memoryMebibytes)M,share=on"]
        if plan.firmware == .uefi { words += ["-bios", uefiImage] }
        words += ["-qmp", "unix:\(MachineFiles.controlSocketName),server=on,wait=off"]
        words += ["-chardev", "ringbuf,id=console,size=\(consoleByteCount)", "-serial", "chardev:console"]
        words += ["-device", "virtio-serial-pci", "-chardev", "socket,id=agent,path=\(MachineFiles.agentSocketName),server=on,wait=off"]
        words += ["-device", "virtserialport,chardev=agent,name=org.qemu.guest_agent.0", "-device", "virtio-rng-pci"]
        for (index, disk) in plan.disks.enumerated() { words += self.words(disk, bootIndex: index == 0 ? 0 : nil) }
        for (index, (interface, card)) in zip(plan.interfaces, cards).enumerated() { words += self.words(interface, index, card) }
        return words + self.words(metadata: plan.metadataPath, relay)
    }

    /// A card that leads to the metadata service, and to the endpoint that all clients have, and nowhere else.
    private static func words(metadata path: String, _ relay: GuestRelay) -> [String] {
        let net = "user,id=metadata,net=169.254.169.0/24,host=169.254.169.1,dns=169.254.169.3,dhcpstart=169.254.169.15,restrict=on"
            + ",guestfwd=tcp:169.254.169.254:80-cmd:\(escape(relay.command(toSocket: path)))"
            + ",guestfwd=tcp:169.254.169.254:\(relay.endpointPort)-cmd:\(escape(relay.commandToEndpoint))"
        return ["-netdev", net, "-device", "virtio-net-pci,netdev=metadata,mac=\(metadataCardAddress),romfile="]
    }

    /// The character device of a disk, by its name.
    static func channel(of disk: String) -> String { "channel-\(disk)" }

    /// The device of a disk, by its name.
    static func device(of disk: String) -> String { "disk-\(disk)" }

    private static func words(_ disk: MachineDisk, bootIndex: Int?) -> [String] {
        let boot = bootIndex.map { ",bootindex=\($0)" } ?? ""
        guard let path = disk.export.vhostPath else {
            let node = "node-\(disk.name)"
            return [
                "-blockdev",
                "driver=nbd,node-name=\(node),server.type=unix,server.path=\(escape(disk.export.socketPath)),export=\(disk.export.name),"
                    + "cache.direct=on,discard=unmap,detect-zeroes=off,reconnect-delay=30",
                "-device", "virtio-blk-pci,id=\(device(of: disk.name)),drive=\(node),serial=\(disk.export.name.prefix(20)),werror=report,rerror=report\(boot)",
            ]
        }
        return [
            // Goes on by itself when the disk host was started anew.
            "-chardev", "socket,id=\(channel(of: disk.name)),path=\(escape(path)),reconnect=1",
            "-device", "vhost-user-blk-pci,id=\(device(of: disk.name)),chardev=\(channel(of: disk.name))\(boot)",
        ]
    }

    private static func words(_ interface: NetworkInterfacePlan, _ index: Int, _ card: Card) -> [String] {
        var net: String
        switch card {
        case .user(let ports):
            net = "user,id=net\(index),net=\(interface.subnet),dhcpstart=\(interface.privateAddress),restrict=on"
            for port in ports {
                net += ",hostfwd=\(port.transport.rawValue):\(port.hostAddress):\(port.hostPort)-\(interface.privateAddress):\(port.guestPort)"
            }
        case .tap(let file): net = "tap,id=net\(index),fd=\(file)"
        }
        return ["-netdev", net, "-device", "virtio-net-pci,netdev=net\(index),mac=\(interface.macAddress),romfile="]
    }

    /// A value within QEMU's comma-separated options.
    private static func escape(_ text: String) -> String { text.replacing(",", with: ",,") }
}
