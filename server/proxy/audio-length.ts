// How long a sound is.
// owns: measuring it with music-metadata. never: its content. always true: a file whose length cannot be told has none (null).

/** Seconds of the audio in a file; null when it cannot be told. @param type its content type, as its sender says */
export async function secondsOf(bytes: Buffer, type: string): Promise<number | null> {
  // Loaded when somebody first asks for it: few servers transcribe.
  const { parseBuffer } = await import('music-metadata')
  try {
    const { format } = await parseBuffer(bytes, { mimeType: type }, { duration: true, skipCovers: true })
    const { duration } = format
    return typeof duration === 'number' && Number.isFinite(duration) && duration > 0 ? duration : null
  } catch {
    return null
  }
}
