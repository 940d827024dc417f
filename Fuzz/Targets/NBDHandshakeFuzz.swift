// modules: CofferCore CofferCrypto CofferModel CofferDiskFormat CofferBlock CofferNBDWire CofferNBD
import CofferNBD

/// Any bytes from a client in its handshake, in pieces whose length the first byte chooses.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    guard count > 0 else { return 0 }
    var input = Array(UnsafeBufferPointer(start: start, count: count))[...]
    let piece = max(1, Int(input.removeFirst()))
    var machine = HandshakeMachine(demandsTLS: piece % 2 == 0)
    var isSecured = false
    // Each action but the few that follow from one option needs input, so that there is an end.
    for _ in 0..<100_000 {
        switch machine.next() {
        case .send(let bytes): precondition(bytes.count < 65_536 + 64, "an answer is too long")
        case .receive:
            guard !input.isEmpty else { return 0 }
            machine.receive(input.prefix(piece))
            input = input.dropFirst(piece)
        case .find(let name):
            machine.found(name.isEmpty ? .unknown : name.hasPrefix("r") ? .refused("reason") : .available(byteCount: 1 << 20, isReadOnly: name.hasPrefix("o")))
        case .secure:
            precondition(!isSecured, "TLS within TLS")
            isSecured = true
            machine.secured()
        case .list: machine.listed(["a", "b"])
        case .transmit(let agreement):
            precondition(isSecured || piece % 2 == 1, "an export was given without TLS")
            precondition(agreement.leftover.count <= count, "bytes came from nowhere")
            return 0
        case .end: return 0
        }
    }
    preconditionFailure("the handshake does not end")
}
