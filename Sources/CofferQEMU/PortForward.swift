import CofferPlatform
import Glibc

/// A port of the host that leads to one of a guest.
struct PortForward: Sendable {
    let transport: OpenPort.Transport
    let hostAddress: String
    let hostPort: UInt16
    let guestPort: UInt16

    /// The ports of an interface's public address that can be had. One that somebody else has is left out; one that the system keeps for
    /// root is moved up by `HostEndpoint.rootPortShift`.
    ///
    /// - Returns: The ports, and a sentence for each that is not where it should be.
    static func plan(_ interface: NetworkInterfacePlan) -> (ports: [PortForward], remarks: [String]) {
        guard let address = interface.publicAddress else { return ([], []) }
        let shift = HostEndpoint.rootPortShift
        var ports: [PortForward] = []
        var remarks: [String] = []
        for open in interface.openPorts {
            let name = "\(address):\(open.number)/\(open.transport.rawValue)"
            switch refusal(address, open.number, open.transport) {
            case 0: ports.append(PortForward(transport: open.transport, hostAddress: address, hostPort: open.number, guestPort: open.number))
            case EACCES where open.number < 1024 && refusal(address, open.number + shift, open.transport) == 0:
                ports.append(PortForward(transport: open.transport, hostAddress: address, hostPort: open.number + shift, guestPort: open.number))
                remarks.append("\(name) is kept for root, and answers at port \(open.number + shift) instead")
            case let code: remarks.append("\(name) cannot be opened: \(unsafe String(cString: strerror(code)))")
            }
        }
        return (ports, remarks)
    }

    /// Why a port cannot be listened at, as an error number; 0 if it can.
    private static func refusal(_ address: String, _ port: UInt16, _ transport: OpenPort.Transport) -> Int32 {
        let kind = transport == .tcp ? Int32(SOCK_STREAM.rawValue) : Int32(SOCK_DGRAM.rawValue)
        let descriptor = socket(AF_INET, kind | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        // As QEMU does: what was closed lately may be opened again.
        var isReused: Int32 = transport == .tcp ? 1 : 0
        unsafe setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &isReused, socklen_t(MemoryLayout<Int32>.size))
        var place = sockaddr_in()
        place.sin_family = sa_family_t(AF_INET)
        place.sin_port = port.bigEndian
        guard unsafe inet_pton(AF_INET, address, &place.sin_addr) == 1 else { return EINVAL }
        let status = unsafe withUnsafePointer(to: &place) { place in
            unsafe place.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        return status == 0 ? 0 : errno
    }
}
