// modules: CofferCore CofferModel CofferDiskControl
import CofferDiskControl
import CofferModel

/// Any bytes as the JSON of a command and of a reply. What is read is written and read again the same.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
    let input = Array(UnsafeBufferPointer(start: start, count: count))
    _ = ControlFrame.length(Array(input.prefix(4)))
    if let command = try? ControlFrame.command(input) {
        let again = try? ControlFrame.command(Array(ControlFrame.encode(command).dropFirst(4)))
        precondition(again == command, "a command does not read back")
    }
    if let reply = try? ControlFrame.reply(input) {
        let again = try? ControlFrame.reply(Array(ControlFrame.encode(reply).dropFirst(4)))
        precondition(again == reply, "a reply does not read back")
    }
    return 0
}
