import CofferModel

/// How a guest reaches an attached disk, in the words of the programs that start guests.
struct DiskAttachment {
    let socketPath: String
    let exportName: String
    let nbdURI: String
    /// Over TLS, for other machines, if disks are served so.
    let secureURI: String?
    /// Where it is offered over vhost-user, if it is.
    let vhostPath: String?

    /// - Returns: nil if the server's answer lacks one of these.
    init?(_ answer: JSONValue) {
        guard let socketPath = answer["socketPath"]?.string, let exportName = answer["exportName"]?.string,
            let nbdURI = answer["nbdUri"]?.string
        else { return nil }
        self.socketPath = socketPath
        self.exportName = exportName
        self.nbdURI = nbdURI
        secureURI = answer["nbdsUri"]?.string
        vhostPath = answer["vhostUserPath"]?.string
    }

    /// Arguments for `qemu-system-*`, to be given as they are.
    var qemuArguments: [String] {
        let node = "coffer-\(exportName.prefix(8))"
        return [
            "-blockdev",
            "driver=nbd,node-name=\(node),server.type=unix,server.path=\(socketPath.replacing(",", with: ",,")),export=\(exportName),"
                + "cache.direct=on,discard=unmap,detect-zeroes=off,reconnect-delay=30",
            // Errors reach the guest; left alone, QEMU stops a guest whose disk's file system is full.
            "-device", "virtio-blk-pci,drive=\(node),serial=\(exportName.prefix(20)),werror=report,rerror=report",
        ]
    }

    /// The same over vhost-user, which shares the guest's memory instead of moving data through a socket. The machine needs memory that can
    /// be shared, such as `-object memory-backend-memfd,id=mem,size=SIZE,share=on -machine memory-backend=mem`.
    var vhostUserArguments: [String]? {
        guard let vhostPath else { return nil }
        let node = "coffer-\(exportName.prefix(8))"
        return [
            // Goes on by itself when the disk host was started anew.
            "-chardev", "socket,id=\(node),path=\(vhostPath.replacing(",", with: ",,")),reconnect=1",
            "-device", "vhost-user-blk-pci,chardev=\(node)",
        ]
    }

    /// A `<disk>` element for a libvirt domain.
    var libvirtXML: String {
        """
        <disk type='network' device='disk'>
          <driver name='qemu' type='raw' cache='none' discard='unmap' error_policy='report' rerror_policy='report'/>
          <source protocol='nbd' name='\(Self.escape(exportName))'>
            <host transport='unix' socket='\(Self.escape(socketPath))'/>
          </source>
          <serial>\(Self.escape(String(exportName.prefix(20))))</serial>
          <target dev='vdb' bus='virtio'/>
        </disk>
        """
    }

    private static func escape(_ text: String) -> String {
        text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing("'", with: "&apos;")
    }
}
