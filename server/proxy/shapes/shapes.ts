// The API shapes this server speaks.
// owns: the list. never: anything about one of them. always true: a shape that is not in it has no route.

import { chat } from './chat.ts'
import { embeddings } from './embeddings.ts'
import { images } from './images.ts'
import { messages } from './messages.ts'
import { responses } from './responses.ts'
import type { Shape } from './shape.ts'
import { speech } from './speech.ts'
import { transcriptions } from './transcriptions.ts'

export const SHAPES: readonly Shape[] = [chat, responses, messages, embeddings, images, speech, transcriptions]
