"""Signs of damaged or incomplete files that FFmpeg does not report as errors.

Three are looked for: what FFmpeg's demuxers and decoders log (`messages`), whether the container
ends properly (`endings`), and, if the container has no end mark, whether the last coded frame is
complete (`tail`). All of FFmpeg's decoders conceal some damage: they log it and output a frame.
"""
